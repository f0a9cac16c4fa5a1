import type { Plant } from './plant.js';

const SENDER = 'runtime/uplink/sender.js';

export const UPLINK_PLANTS: readonly Plant[] = [
  {
    title: 'a block is freed when it is sent',
    file: SENDER,
    find: '        const id = link.publish(message);',
    replace:
      "        const id = link.publish(message); if (sending) this.#dispose({ position: sending.block.position, kind: 'receipt' });",
  },
  {
    title: 'no subscriber (0x10) is taken as a receipt',
    file: 'runtime/uplink/answers.js',
    find: 'case 0x00:',
    replace: 'case 0x00: case 0x10:',
  },
  {
    title: 'a refusal for now (0x97) is taken as a receipt',
    file: 'runtime/uplink/answers.js',
    find: 'case 0x00:',
    replace: 'case 0x00: case 0x97:',
  },
  {
    title: 'a refusal for now (0x87) is a dead letter',
    file: 'runtime/uplink/answers.js',
    find: 'case 0x87:',
    replace: "case 0x87: return { kind: 'rejected', cause: 'topicInvalid' }; case 0x187:",
  },
  {
    title: 'an answer to another id counts for the oldest',
    file: 'runtime/uplink/window.js',
    find: 'const message = this.#inFlight.get(id);',
    replace:
      'id = this.#inFlight.has(id) ? id : (this.#inFlight.keys().next().value ?? id); const message = this.#inFlight.get(id);',
  },
  {
    title: 'the deadline never comes',
    file: 'runtime/uplink/deadline.js',
    find: 'leftMs === undefined || leftMs > 0)',
    replace: 'true)',
  },
  {
    title: 'the window has no bound',
    file: 'runtime/uplink/window.js',
    find: 'this.#inFlight.size < this.#size &&',
    replace: '',
  },
  {
    title: 'back-off without a ceiling',
    file: 'runtime/uplink/backoff.js',
    find: 'Math.min(this.maxMs, SPREAD',
    replace: 'Math.min(1e9, SPREAD',
  },
  {
    title: 'no back-off',
    file: 'runtime/uplink/link.js',
    find: 'return this.#backoff.nextMs();',
    replace: 'return 10;',
  },
  {
    title: 'whose id was taken over comes back at once',
    file: 'runtime/uplink/link.js',
    find: 'return this.#backoff.longMs();',
    replace: 'return this.#backoff.nextMs();',
  },
  {
    title: 'the link is not tried again after a captive portal',
    file: 'runtime/uplink/link.js',
    find: 'const retryInMs = this.#delayMs(why, wasOnline);',
    replace: "if (why.kind === 'captivePortal') return; const retryInMs = this.#delayMs(why, wasOnline);",
  },
  {
    title: 'a broker of MQTT 3.1.1 is not met',
    file: 'runtime/uplink/link.js',
    find: "if (this.options.protocol === 'auto' &&",
    replace: 'if (false &&',
  },
];
