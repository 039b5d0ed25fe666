import { ErrorSchema } from '../failure.ts';
import { plainSchema, sentSchema } from './plain-schema.ts';

/** A route as it is registered. */
export interface Described {
  url: string;
  method: string | string[];
  schema: Record<string, unknown> | undefined;
  config: { scope?: string; open?: boolean; costly?: boolean; counted?: boolean } | undefined;
}

type Responses = Record<string, unknown>;

const reasons: Record<number, string> = {
  400: 'What is asked cannot be understood',
  401: 'An API key or login is missing, or not valid',
  403: 'Not for this access, host name or origin',
  404: 'There is no such thing, or it is not configured',
  408: 'The request did not come in time',
  409: 'Somebody else was faster, or there is no room',
  413: 'The body is too large',
  415: 'The body is no JSON',
  429: 'Too many requests; retry-after says when to ask again',
  431: 'The address and headers are too long',
  500: 'A fault of the server',
  502: 'The search store refused the query',
  503: 'The search store or the archive does not answer; retry-after says when to ask again',
  504: 'It took too long',
};

/** What OpenAPI says of a route: its schema in plain words, and every status that it answers with. */
export function operationOf(route: Described, closed: boolean): Record<string, unknown> {
  const { schema = {}, url } = route;
  // Files of the page, and this document.
  if (!/^\/(api|healthz|readyz|metrics|login|callback|logout)\b/.test(url)) return { hide: true };
  const { response = {}, body, querystring, params, produces, consumes, summary, description } = schema;
  const { scope, open } = route.config ?? {};
  return {
    summary,
    ...(consumes === undefined ? {} : { consumes }),
    ...(description === undefined ? {} : { description }),
    tags: [scope ?? 'open'],
    ...(closed && open !== true ? { security: [{ key: [] }, { session: [] }] } : {}),
    ...(body === undefined ? {} : { body: sentSchema(body) }),
    ...(querystring === undefined ? {} : { querystring: sentSchema(querystring) }),
    ...(params === undefined ? {} : { params: plainSchema(params) }),
    response: { ...successes(response as Responses, produces as string[] | undefined), ...failures(route) },
  };
}

/** `produces` is what a success is written as; an error is JSON in any case. */
function successes(response: Responses, produces: string[] | undefined): Responses {
  const said = Object.entries(response).filter(([status]) => status !== 'default' && Number(status) < 400);
  return Object.fromEntries(
    said.map(([status, schema]) => {
      const { description: own, ...plain } = plainSchema(schema) as Record<string, unknown>;
      const description = own ?? 'What was asked for';
      if (plain.type === 'null') return [status, { type: 'null', description }];
      const types = produces ?? ['application/json'];
      return [status, { description, content: contentOf(types, plain) }];
    }),
  );
}

function failures({ method, schema = {}, config = {}, url }: Described): Responses {
  const { response = {}, body, params } = schema;
  const changes = [method].flat().some((one) => !['GET', 'HEAD'].includes(one));
  const statuses = new Set([400, 401, 403, 408, 429, 431, 500]);
  if (config.scope !== undefined || url === '/readyz')
    for (const status of [502, 503, 504]) statuses.add(status);
  if (params !== undefined) statuses.add(404);
  if (changes) statuses.add(409);
  if (changes) for (const status of [413, 415]) statuses.add(status);
  if (body === undefined && !changes) statuses.delete(408);
  for (const status of Object.keys(response as Responses))
    if (Number(status) >= 400) statuses.add(Number(status));
  const content = contentOf(['application/json'], plainSchema(ErrorSchema));
  return Object.fromEntries(
    [...statuses].sort((a, b) => a - b).map((status) => [status, { description: reasons[status], content }]),
  );
}

function contentOf(types: string[], schema: unknown): Record<string, unknown> {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}
