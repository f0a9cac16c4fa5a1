import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineId } from '../../runtime/clock/index.js';

const fault = (code: string) => Object.assign(new Error(code), { code });

/** A machine with these files; all others are absent. */
function machine(files: Readonly<Record<string, string | Error>>): string {
  return machineId({
    read: (path) => {
      const found = files[path] ?? fault('ENOENT');
      if (found instanceof Error) throw found;
      return found;
    },
    list: (folder) => [
      ...new Set(
        Object.keys(files)
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''),
      ),
    ],
  });
}

const SERIAL = '/sys/firmware/devicetree/base/serial-number';
const UUID = '/sys/class/dmi/id/product_uuid';
const ID = '/etc/machine-id';
const NET = '/sys/class/net';

function card(name: string, address: string, modalias: string | undefined, type = '0') {
  return {
    [`${NET}/${name}/address`]: `${address}\n`,
    [`${NET}/${name}/addr_assign_type`]: `${type}\n`,
    ...(modalias === undefined ? {} : { [`${NET}/${name}/device/modalias`]: `${modalias}\n` }),
  };
}

test('a machine is told by its serial number, else its board’s UUID, else its network, else its root', () => {
  // A device tree's strings end in NUL.
  const all = { [SERIAL]: '10000000abcdef01\0', [UUID]: 'u-u-i-d\n', [ID]: '0123\n' };
  const wired = card('eth0', 'dc:a6:32:00:00:01', 'of:NethernetT(null)Cbrcm,bcm2711-genet-v5');
  assert.equal(machine(all), `${SERIAL}:10000000abcdef01`);
  assert.equal(machine({ ...all, [SERIAL]: '\0' }), `${UUID}:u-u-i-d`);
  const noBoard = { ...all, [SERIAL]: fault('EIO'), [UUID]: fault('EACCES') };
  assert.equal(machine({ ...noBoard, ...wired }), `${NET}:dc:a6:32:00:00:01`);
  assert.equal(machine(noBoard), `${ID}:0123`);
  assert.equal(machine({}), 'unknown');
  assert.throws(() => machine({ ...all, [SERIAL]: new TypeError('a fault of ours') }), TypeError);
});

test('a UUID that thousands of boards share tells none of them', () => {
  const shared = { [UUID]: '03000200-0400-0500-0006-000700080009\n' };
  assert.equal(machine({ ...shared, [ID]: '0123' }), `${ID}:0123`);
});

test('of the network: nothing made up at boot, nothing on USB, no bridge; the order of finding is no matter', () => {
  const usable = {
    ...card('b', '52:54:00:00:00:02', 'virtio:d1v1af4'),
    ...card('a', '52:54:00:00:00:09', 'pci:v8086'),
  };
  const others = {
    ...card('lo', '00:00:00:00:00:00', undefined),
    ...card('bat0', '02:00:00:00:00:00', undefined),
    ...card('usb0', '00:11:22:33:44:55', 'usb:v0BDAp8153'),
    ...card('wlan0', '00:11:22:33:44:56', 'pci:v168c', '1'),
  };
  assert.equal(machine({ ...others, ...usable }), `${NET}:52:54:00:00:00:02`);
  assert.equal(machine(others), 'unknown');
});

test('a machine-id made up for this boot is no identity: it would be another at each', () => {
  assert.equal(machine({ [ID]: '0123', '/run/machine-id': '0123' }), 'unknown');
});
