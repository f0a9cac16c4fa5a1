import type { Facts } from '../../health/index.js';
import { agoText } from '../text.js';

/** What is known of one alarm: the row that raised it last, and whether somebody else has it. */
export interface AlarmTold {
  readonly stream: string;
  /** Its part. */
  readonly part?: string;
  /** Since this start; absent: none came. */
  readonly last?: { readonly timeNs: bigint; readonly text: string };
  /** Blocks of alarms that nobody has a receipt for; rows that no disk holds. */
  readonly waitingBlocks: number;
  readonly unkeptRows: number;
}

/** The alarms that somebody means by the name of a stream or of its part. */
export function alarmsOf({ node, latest }: Facts, about: string): readonly AlarmTold[] {
  if (!node) return [];
  const { streams, classes, health } = node.store;
  return streams
    .filter(({ class: ofClass }) => ofClass === 'alarm')
    .flatMap(({ stream }) => {
      const row = latest.find((one) => one.stream === stream);
      const part = row?.partId ?? node.parts.find(({ id }) => id === stream.split('.')[0])?.id;
      if (stream !== about && part !== about) return [];
      return {
        stream,
        ...(part && { part }),
        ...(row && { last: { timeNs: row.timeNs, text: row.cells.map(cellText).join(', ') } }),
        waitingBlocks: classes.find((one) => one.class === 'alarm')?.blocks ?? 0,
        unkeptRows: health.state === 'notWriting' ? health.waitingRows : 0,
      };
    });
}

function cellText({ channel, value, unit, quality }: Facts['latest'][number]['cells'][number]): string {
  const mark = quality === 'good' ? '' : ` (${quality})`;
  return `${channel} ${value ?? '-'} ${unit}`.trimEnd() + mark;
}

export function alarmLines(alarm: AlarmTold, nowNs: bigint): readonly string[] {
  const { stream, part, last, waitingBlocks, unkeptRows } = alarm;
  const from = part && part !== stream ? ` (${part})` : '';
  const raised = last
    ? `alarm ${stream}${from}: the last row ${agoText(nowNs - last.timeNs)}: ${last.text}`
    : `alarm ${stream}${from}: no row since this start`;
  const left =
    waitingBlocks === 0
      ? 'none waits in the store: whatever came has its receipt'
      : `${waitingBlocks} alarm blocks have no receipt yet: cairn why uplink`;
  return [
    raised,
    `  ${left}`,
    ...(unkeptRows > 0 ? [`  ${unkeptRows} rows wait for the disk: cairn why store`] : []),
  ];
}
