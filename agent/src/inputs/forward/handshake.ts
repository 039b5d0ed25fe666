import { createHash, timingSafeEqual } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { encode } from '@msgpack/msgpack';
import { endOf, textAt, wholeHead } from './msgpack.ts';

/** Who may send, from `<security>`. */
export interface Security {
  selfHostname: string;
  sharedKey: string;
  userAuth: boolean;
  allowAnonymous: boolean;
  users: ReadonlyMap<string, string>;
  clients: SecurityClient[];
}

export interface SecurityClient {
  /** file:line of the section. */
  where: string;
  /** A host name or address, or a network as in 10.0.0.0/8. */
  host: string | undefined;
  network: string | undefined;
  sharedKey: string;
  /** Names of `<user>`s; undefined: all. */
  users: string[] | undefined;
}

const nonceBytes = 16;

/** Tells which `<client>` an address is. */
export type FindClient = (address: string) => SecurityClient | undefined;

/** @throws MillraceError CONFIG_INVALID for a host that has no address */
export async function resolveClients(clients: SecurityClient[]): Promise<FindClient> {
  const lists = await Promise.all(
    clients.map(async (client) => ({ client, list: await addressesOf(client) })),
  );
  return (address) =>
    lists.find(({ list }) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4'))?.client;
}

async function addressesOf({ where, host, network }: SecurityClient): Promise<BlockList> {
  const list = new BlockList();
  const [base = '', prefix] = (network ?? '').split('/');
  try {
    if (network !== undefined) list.addSubnet(base, Number(prefix), base.includes(':') ? 'ipv6' : 'ipv4');
    else
      for (const { address, family } of await lookup(host ?? '', { all: true }))
        list.addAddress(address, family === 6 ? 'ipv6' : 'ipv4');
  } catch (cause) {
    const name = network === undefined ? `host ${host}` : `network ${network}`;
    throw new MillraceError('CONFIG_INVALID', `${where}: <client> ${name}: ${messageOf(cause)}`, { cause });
  }
  return list;
}

/** The server's side of the handshake with one client. */
export class Handshake {
  readonly #security: Security;
  readonly #client: SecurityClient | undefined;
  readonly #nonce: Buffer;
  readonly #salt: Buffer;
  readonly #keepAlive: boolean;

  constructor(
    security: Security,
    client: SecurityClient | undefined,
    random: (size: number) => Uint8Array,
    keepAlive: boolean,
  ) {
    this.#security = security;
    this.#client = client;
    this.#nonce = Buffer.from(random(nonceBytes));
    this.#salt = Buffer.from(security.userAuth ? random(nonceBytes) : '');
    this.#keepAlive = keepAlive;
  }

  /** What the client is greeted with. */
  hello(): Uint8Array {
    return encode(['HELO', { nonce: this.#nonce, auth: this.#salt, keepalive: this.#keepAlive }]);
  }

  /** The answer to a PING, and why it is a refusal, if it is one. */
  answer(ping: Buffer): { pong: Uint8Array; refused: string | undefined } {
    const texts = pingTexts(ping);
    const refused = texts ? this.#judge(texts) : 'the message is no PING';
    if (refused !== undefined || !texts) {
      const reason = refused ?? '';
      return { pong: encode(['PONG', false, reason, '', '']), refused };
    }
    const { selfHostname } = this.#security;
    const proof = digest(texts.salt, Buffer.from(selfHostname), this.#nonce, Buffer.from(this.#sharedKey()));
    return { pong: encode(['PONG', true, '', selfHostname, proof]), refused: undefined };
  }

  #sharedKey(): string {
    return this.#client?.sharedKey ?? this.#security.sharedKey;
  }

  #judge({ hostname, salt, proof, user, password }: Ping): string | undefined {
    const { allowAnonymous, userAuth, users } = this.#security;
    if (!this.#client && !allowAnonymous) return 'anonymous source host denied';
    if (!same(proof, digest(salt, hostname, this.#nonce, Buffer.from(this.#sharedKey()))))
      return 'shared_key mismatch';
    if (!userAuth) return undefined;
    const name = user.toString();
    const secret = users.get(name);
    const allowed = this.#client?.users?.includes(name) ?? true;
    if (secret === undefined || !allowed || !same(password, digest(this.#salt, user, Buffer.from(secret))))
      return 'username/password mismatch';
    return undefined;
  }
}

interface Ping {
  hostname: Buffer;
  salt: Buffer;
  proof: Buffer;
  user: Buffer;
  password: Buffer;
}

/** `["PING", hostname, salt, proof, user, password]`; its texts may hold any bytes. */
function pingTexts(bytes: Buffer): Ping | undefined {
  const head = wholeHead(bytes, 0);
  if (head.kind !== 'array' || head.items !== 6) return undefined;
  const texts: Buffer[] = [];
  for (let at = head.size, i = 0; i < 6; i++, at = endOf(bytes, at)) {
    const text = textAt(bytes, at);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  const [type, hostname, salt, proof, user, password] = texts;
  if (!hostname || !salt || !proof || !user || !password || type?.toString() !== 'PING') return undefined;
  return { hostname, salt, proof, user, password };
}

function digest(...parts: Buffer[]): string {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function same(given: Buffer, expected: string): boolean {
  const bytes = Buffer.from(expected);
  return given.length === bytes.length && timingSafeEqual(given, bytes);
}
