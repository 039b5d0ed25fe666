import websocket from '@fastify/websocket';
import type { Context } from './context.ts';
import type { Api } from './server.ts';

/** For saying good-bye. */
const closingMsMax = 500;

/**
 * Lets routes be WebSockets. Call it before any hook that refuses requests: a connection that asked for a WebSocket and
 * was refused is closed by a hook of this, and by nobody else.
 */
export async function webSockets(api: Api, { clock }: Pick<Context, 'clock'>): Promise<void> {
  await api.register(websocket, {
    options: { maxPayload: 1024, perMessageDeflate: false },
    async preClose() {
      const { clients } = api.websocketServer;
      if (clients.size === 0) return;
      for (const socket of clients) socket.close(1001);
      // Who does not answer is not waited for.
      await clock.sleep(closingMsMax);
      for (const socket of clients) socket.terminate();
    },
  });
}
