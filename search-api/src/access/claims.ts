import type { OidcConfig, RoleConfig } from './config.ts';

export type Claims = Record<string, unknown>;

/** By its whole name, which may have dots in it, or else as a way into objects. */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

/** The first role that a user has. */
export function roleOf(
  claims: Claims,
  { roles, roles_claim: name }: Pick<OidcConfig, 'roles' | 'roles_claim'>,
): RoleConfig | undefined {
  const value = isUnproven(claims, name) ? undefined : claimOf(claims, name);
  const has = new Set([value ?? []].flat().map(String));
  return roles.find(({ value }) => value === '*' || has.has(value));
}

export function nameOf(claims: Claims, { subject_claim: name }: Pick<OidcConfig, 'subject_claim'>): string {
  const value = claimOf(claims, name);
  return typeof value === 'string' && value !== '' && !isUnproven(claims, name) ? value : String(claims.sub);
}

/** An address that the provider has not verified may be anybody's. Some say so as text. */
function isUnproven({ email_verified: verified }: Claims, name: string): boolean {
  return name === 'email' && (verified === false || verified === 'false');
}
