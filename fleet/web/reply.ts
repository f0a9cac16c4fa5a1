import type { FastifyReply } from 'fastify';
import * as v from 'valibot';
import { issueText } from '../words.js';
import { type PageOptions, page } from './layout.js';

export function sendPage(reply: FastifyReply, options: Omit<PageOptions, 'person'>): FastifyReply {
  const text = page({ ...options, person: reply.request.person });
  return reply.type('text/html; charset=utf-8').send(text);
}

const TITLES: Readonly<Record<number, string>> = {
  ...{
    401: 'Not signed in',
    403: 'Not allowed',
    404: 'Not found',
    413: 'Too large',
    429: 'Too many requests',
  },
};

/** What an answer of that status is called, to people and programs. */
export function titleOf(status: number): string {
  return TITLES[status] ?? 'Not understood';
}

/** With the status that the error handler says. */
export class HttpError extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** The checked input of a page or a call; what is empty in a form is absent. Throws HttpError 400. */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
): v.InferOutput<Schema> {
  const filled = Object.fromEntries(Object.entries(input ?? {}).filter(([, value]) => value !== ''));
  const result = v.safeParse(schema, filled);
  if (result.success) return result.output;
  throw new HttpError(400, result.issues.map(said).join('; '));
}

function said(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'input'}: ${issueText(issue)}`;
}
