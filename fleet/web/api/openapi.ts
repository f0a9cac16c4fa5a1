import swagger from '@fastify/swagger';
import { toJsonSchema } from '@valibot/to-json-schema';
import type { FastifyInstance, FastifySchema } from 'fastify';
import * as v from 'valibot';
import { HttpError } from '../reply.js';
import { Failure } from './schemas.js';

/** Routes of this instance are checked by their valibot schemas, and told in OpenAPI by the same ones. */
export function describeByValibot(app: FastifyInstance): void {
  app.setValidatorCompiler<v.GenericSchema>(({ schema }) => (input) => {
    const result = v.safeParse(schema, input);
    if (result.success) return { value: result.output };
    const said = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'input'}: ${issue.message}`);
    return { error: new HttpError(400, said.join('; ')) };
  });
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Cairn fleet',
        version: '1',
        description:
          'What the fleet has of its nodes. Times are RFC 3339; a time that is not known is null, never a guess.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: ({ schema, url }) => ({ schema: asJsonSchema(schema), url }),
  });
}

type Answers = Readonly<Record<string, v.GenericSchema>>;

/** What a route answers, by media type; all else is a Failure. */
export function answers(answer: v.GenericSchema, files: Answers = {}): Readonly<Record<string, Answers>> {
  return { 200: { 'application/json': answer, ...files }, default: { 'application/json': Failure } };
}

const INPUTS = ['querystring', 'params', 'body'] as const;

function asJsonSchema(schema: FastifySchema | undefined): FastifySchema {
  const described: Record<string, unknown> = { ...schema };
  for (const key of INPUTS) if (described[key]) described[key] = converted(described[key], 'input');
  if (described.response)
    described.response = Object.fromEntries(
      Object.entries(described.response as ReturnType<typeof answers>).map(([code, byType]) => [
        code,
        { description: code === '200' ? 'The answer' : 'Why not', content: contentOf(byType) },
      ]),
    );
  return described;
}

function contentOf(byType: Answers) {
  return Object.fromEntries(
    Object.entries(byType).map(([type, answer]) => [type, { schema: converted(answer, 'output') }]),
  );
}

function converted(schema: unknown, typeMode: 'input' | 'output') {
  const { $schema: _, ...json } = toJsonSchema(schema as v.GenericSchema, {
    target: 'draft-2020-12',
    typeMode,
    errorMode: 'ignore',
  });
  return json as Record<string, unknown>;
}
