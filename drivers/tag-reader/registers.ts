/**
 * The line protocol of a UHF or BLE tag reader: ours, because each vendor has its own; docs/parts/tag-reader.md says how to bridge one.
 * ASCII lines, each ended by LF or CR LF, with an XOR of all characters before `*` in two hex digits (as in NMEA 0183):
 *
 *     T,E28011606000020123456789,-57*07   a tag, and how strongly it was heard, dBm
 *     I,R200,1.4.2*1E                     what the reader is: model, firmware. The answer to `?`
 *     # anything                          a remark, passed over
 */
export const TAG = 'T';
export const IDENTITY = 'I';
export const REMARK = '#';
/** What the host sends to be told what the reader is. */
export const ASK = '?\r\n';

/** An EPC has 12 bytes and at most 62 (EPC Gen2 §6.3.2.1.2: 31 words), a BLE address 6, an ISO 14443 UID 4. */
export const ID_HEX_DIGITS = { min: 8, max: 124 } as const;
/** What radios report: BLE gives -127 to +20 dBm (Bluetooth Core 5.4, Vol 4 Part E §7.7.65.2); UHF readers are within. */
export const RSSI_DBM = { min: -127, max: 20 } as const;
/** The longest line: `T,` + id + `,-127*hh`, with room to spare for remarks. */
export const MAX_LINE_BYTES = 160;
