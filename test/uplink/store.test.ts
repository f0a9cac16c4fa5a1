import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startReceiver, type TakeResult } from '../../fleet/receive/index.js';
import { systemClock } from '../../runtime/clock/index.js';
import type { UplinkConfig } from '../../runtime/config/types.js';
import { createUplink, type MqttConnect, type MqttMessage, mqttJs } from '../../runtime/uplink/index.js';
import { openTest, rowsOf, temporary, testOptions } from '../store/support.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';

/** The streams that are published, in order. */
function listenIn(connect: MqttConnect, sent: string[]): MqttConnect {
  return (options, events) => {
    const link = connect(options, events);
    const publish = (message: MqttMessage) => {
      sent.push(message.topic.split('/').at(-1)!);
      return link.publish(message);
    };
    return { publish, destroy: (why) => link.destroy(why), end: () => link.end() };
  };
}

const options = { skip: WITHOUT_MOSQUITTO, timeout: 200_000 };

test(
  'from the real store to the receiver: descriptors first, new rows beside the backlog, nothing missing',
  options,
  async (t) => {
    const store = await openTest(testOptions(temporary(t), { sizeBytes: 64 * 1024 * 1024 }));
    const broker = await startMosquitto();
    const sent: string[] = [];
    const nameless: string[] = [];
    const onResult = (result: TakeResult) => {
      if (result.kind !== 'rows') return;
      const { header, descriptor } = result.rows;
      if (!descriptor) nameless.push(`${header.stream} ${header.first}`);
    };
    const running = await startReceiver({ url: broker.url, clientId: 'r', onResult });
    await running.subscribed;
    for (let i = 0; i < 400; i++) {
      store.append(
        rowsOf(
          't',
          Array.from({ length: 20 }, (_, row) => i * 20 + row),
        ),
      );
      await store.flush();
    }
    const config: UplinkConfig = {
      url: broker.url,
      protocol: 'auto',
      payloads: ['packet'],
      window: 5,
      pubackDeadlineMs: 5_000,
      keepAliveS: 10,
      backoffMinMs: 50,
      backoffMaxMs: 400,
    };
    const uplink = createUplink({
      ...{
        config,
        node: store.node,
        store,
        clock: systemClock(),
        connect: listenIn(mqttJs(config, systemClock()), sent),
      },
      ...{ random: Math.random, log: () => undefined, software: 'test' },
    });
    try {
      uplink.start();
      await until('a part of the backlog', () => sent.length > 20);
      store.append(rowsOf('a', [0]));
      await store.flush();
      const before = sent.length;
      await until('the alarm', () => sent.includes('a'));
      const late = sent.indexOf('a') - before;
      assert.ok(late <= 64, `${late} blocks went between its commit and the alarm`);
      const received = (stream: string) =>
        running.receiver.summary().find((one) => one.stream === stream)?.received;
      await until('the whole backlog', () => received('t') === 8_000 && received('a') === 1);
      assert.deepEqual(nameless, []);
      assert.ok(running.receiver.summary().every((one) => one.missing === 0 && one.conflicts === 0));
      await until('the store is empty', () => store.status().classes.every((one) => one.blocks === 0));
    } finally {
      await uplink.stop(0);
      await running.stop();
      await broker.remove();
    }
  },
);
