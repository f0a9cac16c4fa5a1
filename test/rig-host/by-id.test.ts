import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byId } from '../hil/by-id.js';

// Names of this form stand in the configuration of many programs: udev's for an FT232R with its maker's own strings.
test('the stable name of an adapter is the one that udev gives it', () => {
  assert.equal(
    byId('A6008isP', 'FTDI', 'FT232R USB UART'),
    '/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A6008isP-if00-port0',
  );
});
