import { generateKeyPairSync } from 'node:crypto';
import type { UplinkConfig } from '../../runtime/config/types.js';
import type { StoredBlock } from '../../runtime/store/types.js';
import { type HeldBlock, keyIdOf, receiptTopic, signReceipt } from '../../wire/index.js';
import type { Sent } from './fake-port.js';
import { rig } from './rig.js';

export const DEADLINE_MS = 60_000;
export const FLEET_KEY = newKey();

export function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, publicKey, kid: keyIdOf(publicKey) };
}

/** What a receipt says of a block: its CRC-32C are its last four bytes, little-endian (docs/wire-format.md §1.1). */
export function heldBlock({ header, bytes }: StoredBlock): HeldBlock {
  const { epoch, stream, first, count } = header;
  return { epoch, stream, first, count, crc: Buffer.from(bytes.slice(-4)).readUInt32LE() };
}

/** An uplink of custody `fleet`, over a store, a port and a clock of the tests; and the fleet by hand. */
export function fleetRig(config: Partial<UplinkConfig> = {}, keys = [FLEET_KEY]) {
  const fleet = { keys: [], receiptDeadlineMs: DEADLINE_MS };
  // The test answers when it looks: the deadline of a PUBACK is not what it is about.
  const one = rig(
    { fleet, pubackDeadlineMs: 600_000, ...config },
    { fleetKeys: keys.map((key) => key.publicKey) },
  );
  let issue = 0;
  const say = (payload: Uint8Array, topic = receiptTopic(one.store.node)) =>
    one.port.last.events.message(topic, payload);
  return {
    ...one,
    say,
    /** A receipt for blocks of this node, or with something wrong about it. */
    receipt: (
      blocks: readonly HeldBlock[],
      { key = FLEET_KEY, node = one.store.node as string, topic = receiptTopic(one.store.node) } = {},
    ) => say(signReceipt({ node, issue: issue++, blocks }, key.kid, key.privateKey), topic),
    /** The blocks that were sent since the last call, in their order; the broker takes all. */
    takeBlocks: (): StoredBlock[] => {
      const sent = one.port.answerAll();
      return sent.flatMap((message) => storedAs(one.store.left, message) ?? []);
    },
  };
}

export function storedAs(blocks: readonly StoredBlock[], { payload }: Sent): StoredBlock | undefined {
  return blocks.find(({ bytes }) => Buffer.from(bytes).equals(Buffer.from(payload)));
}
