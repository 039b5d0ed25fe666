import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { Api } from '../server.ts';

/** Answers that take longer than this, as a live tail does, are looked at again and again. */
const watchMs = 5_000;

/**
 * Whoever may no longer ask is no longer answered: a tail ends within seconds of its key being revoked, and with its
 * session.
 */
export function watchLongAnswers(api: Api, { gate, clock }: Context): void {
  if (!gate.closed) return;
  const running = new Set<FastifyRequest>();
  let idle = new AbortController();

  api.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.scope === undefined) return;
    if (running.size === 0) {
      idle = new AbortController();
      void watch(idle.signal);
    }
    running.add(request);
    reply.raw.once('close', () => {
      running.delete(request);
      if (running.size === 0) idle.abort();
    });
  });

  /** Until nobody is answered any more. */
  async function watch(idle: AbortSignal): Promise<void> {
    while (true) {
      const long = [...running];
      await clock.sleep(watchMs, idle);
      if (idle.aborted) return;
      await Promise.all(long.filter((request) => running.has(request)).map(look));
    }
  }

  async function look(request: FastifyRequest): Promise<void> {
    const { scope } = request.routeOptions.config;
    const stays = await gate.identify(request).then(
      ({ access }) => scope === undefined || access.scopes.has(scope),
      // A store that does not answer says nothing about a key; a key that is wrong is refused.
      (error: unknown) => !isUnauthorized(error),
    );
    if (!stays) request.raw.socket.destroy();
  }
}

function isUnauthorized(error: unknown): boolean {
  return (error as { failure?: { status?: number } }).failure?.status === 401;
}
