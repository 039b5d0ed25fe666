import { MillraceError } from '@millrace/core/errors.ts';
import { type Static, Type } from 'typebox';
import { scopes } from './access.ts';
import { canBeHidden } from './redaction.ts';

const closed = { additionalProperties: false } as const;
const Names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { default: [], maxItems: 100, description });

export const ScopeSchema = Type.Enum([...scopes]);

/** What a key or a role may do and see. */
export const grantProperties = {
  scopes: Type.Array(ScopeSchema, { minItems: 1, maxItems: 100 }),
  tags: Names('Tags that are seen, `*` for any text; none: all'),
  hosts: Names('Hosts that are seen, `*` for any text; none: all'),
  streams: Names('Streams that are seen, `*` for any text; none: all'),
  redact: Names('Fields that are neither shown nor searched nor counted'),
};

const KeySchema = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }),
    /** SHA-256 of the whole key, hexadecimal: `search-api key --id ID` makes both. */
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    ...grantProperties,
    /** ISO 8601; absent: never. */
    expires: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  closed,
);

const OidcSchema = Type.Object(
  {
    /** Its `.well-known/openid-configuration` is read. https, or http on loopback. */
    issuer: Type.String({ pattern: '^https?://[^\\s]{1,1000}$' }),
    client_id: Type.String({ minLength: 1, maxLength: 1000 }),
    /** Absent: a public client. */
    client_secret_file: Type.Optional(Type.String({ minLength: 1 })),
    scope: Type.String({ default: 'openid email profile', minLength: 6, maxLength: 1000 }),
    /** The claim that names a user in the audit log and in what they save; `sub` where it is absent. */
    subject_claim: Type.String({ default: 'email', minLength: 1, maxLength: 256 }),
    /** The claim, of the ID token or else of the user info, that has a user's groups; `a.b` is b within a. */
    roles_claim: Type.String({ default: 'groups', minLength: 1, maxLength: 256 }),
    /** The first whose value a user's claim has is the user's; `*` is everybody who can log in. */
    roles: Type.Array(
      Type.Object({ value: Type.String({ minLength: 1, maxLength: 1000 }), ...grantProperties }, closed),
      { minItems: 1, maxItems: 1000 },
    ),
  },
  closed,
);

export const AccessConfigSchema = Type.Object(
  {
    /** Everybody who reaches the server may everything, also from elsewhere: when something before it decides. */
    open: Type.Boolean({ default: false }),
    keys: Type.Array(KeySchema, { default: [], maxItems: 1000 }),
    /** How long a key of the store is taken for good before it is looked up again. */
    key_cache_ms: Type.Integer({ default: 5_000, minimum: 0, maximum: 60_000 }),
    /** Login for the page. */
    oidc: Type.Optional(OidcSchema),
    session: Type.Object(
      {
        /**
         * Files with 32 bytes as base64 each. The first encrypts, all are tried: to exchange a key, put the new one in
         * front and take the old one away after `absolute_ms`. None: a key of this process, sessions end with it.
         */
        key_files: Type.Array(Type.String({ minLength: 1 }), { default: [], maxItems: 10 }),
        /** Ends when nothing was asked for so long. */
        idle_ms: Type.Integer({ default: 3_600_000, minimum: 60_000, maximum: 30 * 86_400_000 }),
        /** Ends in any case so long after the login. */
        absolute_ms: Type.Integer({ default: 12 * 3_600_000, minimum: 60_000, maximum: 90 * 86_400_000 }),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
);

export type AccessConfig = Static<typeof AccessConfigSchema>;
export type KeyConfig = Static<typeof KeySchema>;
export type RoleConfig = OidcConfig['roles'][number];
export type OidcConfig = Static<typeof OidcSchema>;

interface HttpConfig {
  host: string;
  public_url?: string;
}

/**
 * What the schema cannot say. A server that others reach is open to nobody unless it is said.
 * @throws MillraceError CONFIG_INVALID
 */
export function checkAccess(http: HttpConfig, access: AccessConfig | undefined, where: string): void {
  const refuse = (message: string, hint: string) => {
    throw new MillraceError('CONFIG_INVALID', `${where}: ${message}`, { hint });
  };
  if (access === undefined) {
    if (!isLoopback(http.host))
      refuse(
        `/http/host: ${http.host} is reached from elsewhere, and access is not configured`,
        'configure access (docs/access.md), or listen on 127.0.0.1; `"access": {"open": true}` lets everybody in',
      );
    return;
  }
  const { open, keys, oidc } = access;
  if (open && (keys.length > 0 || oidc !== undefined))
    refuse('/access/open: lets everybody in, keys and oidc would mean nothing', 'remove open, or the others');
  if (!open && keys.length === 0 && oidc === undefined)
    refuse('/access: nobody could get in', 'configure access.keys or access.oidc, or remove access');
  for (const { redact } of [...keys, ...(oidc?.roles ?? [])])
    for (const name of redact) {
      if (!canBeHidden(name))
        refuse(
          `redact: ${name} cannot be hidden`,
          'ids and the order of events are made of it; limit tags or hosts',
        );
    }
  for (const { id, expires } of keys) {
    if (expires !== undefined && !isTime(expires))
      refuse(`/access/keys: expires of ${id} is not a time`, 'write 2027-01-31 or 2027-01-31T12:00:00Z');
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    refuse('/access/keys: two keys have the same id', 'give each its own');
  if (oidc !== undefined) checkOidc(http, oidc, refuse);
}

function checkOidc(
  http: HttpConfig,
  { issuer }: OidcConfig,
  refuse: (message: string, hint: string) => void,
): void {
  if (http.public_url === undefined)
    refuse(
      '/http/public_url: is needed for a login',
      'write the address that browsers have, https://logs.example.com',
    );
  for (const [key, text] of [
    ['/access/oidc/issuer', issuer],
    ['/http/public_url', http.public_url ?? ''],
  ] as const) {
    const url = URL.parse(text);
    if (url === null) refuse(`${key}: ${text} is no address`, 'write https://…');
    else if (url.protocol !== 'https:' && !isLoopback(url.hostname))
      refuse(`${key}: is not encrypted`, 'use https; http is for loopback only');
  }
}

export function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) && !Number.isNaN(Date.parse(text));
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
