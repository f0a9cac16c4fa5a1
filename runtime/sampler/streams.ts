import type { StreamDeclaration } from '../../drivers/contract/index.js';
import type { ChannelCorrection } from '../calibration/index.js';
import type { PartConfig } from '../config/types.js';
import type { SamplerStream } from './types.js';

/** Of a descriptor (docs/wire-format.md), in UTF-16 code units. */
const TITLE_MAX = 256;

/** The full names of a part's streams: its id, then `.name` for all but its main one. */
export function fullStreams(
  config: PartConfig,
  declared: readonly StreamDeclaration[],
  corrections: readonly ChannelCorrection[] = [],
): readonly SamplerStream[] {
  return declared.map((stream) => {
    const name = stream.name === '' ? config.id : `${config.id}.${stream.name}`;
    const title = stream.name === '' ? config.title : `${config.title}: ${stream.name}`;
    return {
      ...stream,
      name,
      class: config.class ?? stream.class,
      title: calibratedTitle(
        title,
        corrections.filter((correction) => correction.stream === name),
      ),
      partId: config.id,
      keep: config.keep,
      ...(config.live && { live: true }),
    };
  });
}

/** `Roof [calibration 3-9f1c2a4b]`: another title is another version of the descriptor, so that no block holds rows from before and after. */
function calibratedTitle(title: string, corrections: readonly ChannelCorrection[]): string {
  if (corrections.length === 0) return title;
  const suffix = ` [calibration ${corrections.map(({ mark }) => mark).join(' ')}]`;
  return `${title.slice(0, TITLE_MAX - suffix.length)}${suffix}`;
}
