import fastifySwagger from '@fastify/swagger';
import type { Context } from '../context.ts';
import type { Api } from '../server.ts';
import { type Described, operationOf } from './operation.ts';

const description = `Logs that Millrace shipped: searched, counted, tailed, exported. Times are ISO 8601, milliseconds since
1970 or relative (\`now-15m\`); queries are Lucene's syntax with pipes. Every error is
\`{"error": {"code", "message", "hint", "at"}}\`.`;

/** Collects what the routes that follow say of themselves, for `GET /docs/json`. */
export async function describeRoutes(api: Api, { config, gate }: Context): Promise<void> {
  await api.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Millrace search API', description, version: '1', license: { name: 'Apache-2.0' } },
      servers: [{ url: config.http.base_path === '' ? '/' : config.http.base_path }],
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key, `mr_<id>_<secret>`' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: gate.cookie === '' ? 'millrace_session' : gate.cookie,
            description:
              'Set by the login of the page; requests that change something need x-millrace-csrf too',
          },
        },
      },
    },
    transform: ({ schema, url, route }) => ({
      schema: operationOf(
        { url, method: route.method, schema, config: route.config } as Described,
        gate.closed,
      ),
      url,
    }),
  });
}
