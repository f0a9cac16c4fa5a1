import type { StreamDeclaration } from '../../drivers/contract/index.js';
import type { PartConfig } from '../config/types.js';
import type { SamplerStream } from './types.js';

/** The full names of a part's streams: its id, then `.name` for all but its main one. */
export function fullStreams(
  config: PartConfig,
  declared: readonly StreamDeclaration[],
): readonly SamplerStream[] {
  return declared.map((stream) => ({
    ...stream,
    name: stream.name === '' ? config.id : `${config.id}.${stream.name}`,
    class: config.class ?? stream.class,
    title: stream.name === '' ? config.title : `${config.title}: ${stream.name}`,
    partId: config.id,
    keep: config.keep,
    ...(config.live && { live: true }),
  }));
}
