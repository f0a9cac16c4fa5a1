import { LOG_CLASSES, type LogClass } from './records.js';

/** `cairn/1/<node>/<class>/<stream>`: one block a message, payload as docs/wire-format.md says. */
export function blockTopic(node: string, logClass: LogClass, stream: string): string {
  return `cairn/1/${node}/${logClass}/${stream}`;
}

/** `cairn/1/<node>/senml/<class>/<stream>`: one SenML pack a message (RFC 8428, JSON). */
export function senmlTopic(node: string, logClass: LogClass, stream: string): string {
  return `cairn/1/${node}/senml/${logClass}/${stream}`;
}

/** Retained birth and last will: JSON `{"state":"online"|"offline"|"stopped", …}`. */
export function statusTopic(node: string): string {
  return `cairn/1/${node}/status`;
}

/** `cairn/1/<node>/notice/<stream>`: an alarm that the node's disk doesn't take, without a number: one SenML pack a message. */
export function noticeTopic(node: string, stream: string): string {
  return `cairn/1/${node}/notice/${stream}`;
}

/** `cairn/1/<node>/test/uplink`: what a test of the link publishes; it is no data, and nobody needs to listen. */
export function testTopic(node: string): string {
  return `cairn/1/${node}/test/uplink`;
}

/** What a receiver of notices subscribes to. */
export const NOTICE_FILTER = 'cairn/1/+/notice/+';

/** What the fleet says it holds for good: one signed receipt a message (docs/wire-format.md §4). */
export function receiptTopic(node: string): string {
  return `cairn/1/${node}/receipt`;
}

/** What a receiver of blocks subscribes to, one filter a class, so that SenML and status topics don't match. */
export function blockFilters(): readonly string[] {
  return LOG_CLASSES.map((logClass) => `cairn/1/+/${logClass}/+`);
}
