import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { Api } from '../server.ts';

/** The page at `/`: the files of `web`, as they are. */
export async function pageRoutes(api: Api): Promise<void> {
  await api.register(fastifyStatic, {
    root: fileURLToPath(new URL('../../web', import.meta.url)),
    // The browser asks whether a file changed, so that an upgrade is seen at the next load.
    cacheControl: false,
    dotfiles: 'ignore',
    setHeaders: (reply) => {
      reply.header('cache-control', 'no-cache');
    },
  });
}
