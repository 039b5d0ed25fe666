import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { failure } from '../failure.ts';
import type { Api } from '../server.ts';

const built = fileURLToPath(new URL('../../web/dist', import.meta.url));
/** A year: a file of another content has another name. */
const hashedMaxAgeS = 31_536_000;

/** The page at `/`: what search-api/web/build.ts made of search-api/web. */
export async function pageRoutes(api: Api, folder: string = built): Promise<void> {
  await api.register(async (page) => {
    page.addHook('onRoute', (route) => {
      route.config = { ...route.config, open: true };
    });
    if (!existsSync(join(folder, 'index.html'))) {
      // The API works without it; whoever looks for it is told how to get it.
      page.get('/', (_request, reply) => reply.code(404).send(notBuilt.body));
      return;
    }
    await page.register(fastifyStatic, {
      root: folder,
      cacheControl: false,
      dotfiles: 'ignore',
      preCompressed: true,
      setHeaders: (reply, path) => {
        // The browser asks whether the page changed, so that an upgrade is seen at the next load.
        const hashed = path.startsWith(join(folder, 'assets'));
        reply.header('cache-control', hashed ? `public, max-age=${hashedMaxAgeS}, immutable` : 'no-cache');
      },
    });
  });
}

const notBuilt = failure(
  404,
  'query_refused',
  'NOT_FOUND',
  'the page is not built',
  'run `node search-api/web/build.ts` and start search-api again; the API works without it',
);
