import fastifySwaggerUi from '@fastify/swagger-ui';
import type { Context } from '../context.ts';
import type { Api } from '../server.ts';

/** `GET /docs`: the API to read and try; `GET /docs/json`: OpenAPI. */
export async function docsRoutes(api: Api, { config }: Context): Promise<void> {
  await api.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, open: true };
    });
    await docs.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      indexPrefix: config.http.base_path,
      uiConfig: { docExpansion: 'list', persistAuthorization: false },
    });
  });
}
