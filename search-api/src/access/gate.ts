import type { FastifyRequest } from 'fastify';
import { failure, Refused } from '../failure.ts';
import { type Access, accessOf, nobody, unlimitedAccess } from './access.ts';
import type { RoleConfig } from './config.ts';
import type { KeyBook } from './key-book.ts';
import type { Login } from './login.ts';
import type { Session, Sessions } from './session.ts';

/** Who sends a request, and by what it is known. */
export interface Asker {
  access: Access;
  session?: Session;
}

/** The one place that says who asks. */
export interface Gate {
  /** @throws Refused 401: what the request shows is wrong */
  identify(request: FastifyRequest): Promise<Asker>;
  /** Whether requests are identified at all; without it, everybody may everything. */
  closed: boolean;
  keys?: KeyBook;
  login?: Login;
  sessions?: Sessions;
  /** The cookie that a session is in. */
  cookie: string;
}

/** Lets everybody in, as the one given. */
export function openGate(subject: 'loopback' | 'open'): Gate {
  const access = unlimitedAccess(subject);
  return { closed: false, cookie: '', identify: async () => ({ access }) };
}

export interface ClosedGateOptions {
  keys: KeyBook;
  sessions: Sessions;
  login?: Login | undefined;
  roles: readonly RoleConfig[];
  cookie: string;
}

/** Lets in who has a key, or a session with a role that there is. */
export function closedGate({ keys, sessions, login, roles, cookie }: ClosedGateOptions): Gate {
  return {
    closed: true,
    keys,
    sessions,
    cookie,
    ...(login === undefined ? {} : { login }),
    async identify({ headers, cookies }) {
      const key = bearerOf(headers.authorization);
      if (key !== undefined) {
        const access = await keys.accessOf(key);
        if (access !== undefined) return { access };
        throw new Refused(unauthorized('this API key is not valid, or no longer', 'ask for another key'));
      }
      const text = cookies[cookie];
      const session = text === undefined ? undefined : await sessions.read(text);
      const role = session && roles.find(({ value }) => value === session.role);
      if (session === undefined || role === undefined) return { access: nobody };
      return { access: accessOf(session.subject, role), session };
    },
  };
}

/** What `Authorization: Bearer` has. Other ways are of proxies before this server, and say nothing to it. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(.*)$/i.exec(header ?? '')?.[1];
}

export function unauthorized(message: string, hint: string) {
  return failure(401, 'unauthorized', 'UNAUTHORIZED', message, hint, {
    headers: { 'www-authenticate': 'Bearer realm="millrace"' },
  });
}
