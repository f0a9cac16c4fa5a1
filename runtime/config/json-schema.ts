import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import type { DriverDefinition } from '../../drivers/contract/index.js';
import { boardFile } from './board.js';
import { partSchema } from './parts.js';
import { fileEntries, fusionSchema, storeSchema, uplinkSchema } from './schema.js';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** The JSON Schema (draft 7) of node files with these drivers: completion and first checks in an editor. */
export function nodeSchema(registry: { readonly drivers: readonly DriverDefinition[] }): JsonSchema {
  const schema = emit(
    v.strictObject({
      ...fileEntries,
      parts: v.record(v.string(), v.unknown()),
      fusion: v.optional(fusionSchema),
      store: v.optional(storeSchema),
      uplink: v.optional(uplinkSchema),
    }),
  );
  const parts: JsonSchema = {
    type: 'object',
    description: 'Which parts hang where: name: { driver: … }. The name is the stem of its streams.',
    additionalProperties: partJsonSchema(registry.drivers),
  };
  const properties = Object.entries(schema.properties ?? {}).map(([key, value]) => [key, inPart(value)]);
  return {
    $schema: DRAFT,
    title: 'Cairn node file',
    ...inPart(schema),
    properties: { ...Object.fromEntries(properties), parts },
  };
}

/** A fragment holds a part of a node file, and a node file may leave to fragments what it lacks: an editor asks for no key. */
function inPart(schema: JsonSchema | boolean): JsonSchema {
  const { required: _required, ...rest } = schema as JsonSchema;
  return rest;
}

/** The JSON Schema (draft 7) of board files. */
export function boardSchema(): JsonSchema {
  return { $schema: DRAFT, title: 'Cairn board file', ...emit(boardFile) };
}

/** One branch a driver: an editor completes and complains about the branch that `driver:` chooses, not about all of them. */
function partJsonSchema(drivers: readonly DriverDefinition[]): JsonSchema {
  return {
    type: 'object',
    properties: {
      driver: {
        description: drivers.map((driver) => `${driver.id}: ${driver.title}`).join('\n'),
        enum: drivers.map((driver) => driver.id),
      },
    },
    allOf: drivers.map(branch),
  };
}

function branch(driver: DriverDefinition): JsonSchema {
  const chosen = { required: ['driver'], properties: { driver: { const: driver.id } } };
  return Object.fromEntries([
    ['if', chosen],
    ['then', inPart(emit(partSchema(driver)))],
  ]);
}

function emit(schema: v.GenericSchema): JsonSchema {
  const { $schema: _draft, ...rest } = toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' });
  return rest;
}
