import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { begunText } from './begun.ts';
import { nameOf, roleOf } from './claims.ts';
import { Seals } from './session.ts';

const role = (value: string) => ({
  value,
  scopes: ['search' as const],
  tags: [],
  hosts: [],
  streams: [],
  redact: [],
});

test('an address that is not verified gives neither a role nor a name', () => {
  const oidc = { roles: [role('ann@example.com'), role('*')], roles_claim: 'email', subject_claim: 'email' };
  const claims = { sub: '17', email: 'ann@example.com' };
  for (const [verified, value, name] of [
    [true, 'ann@example.com', 'ann@example.com'],
    [undefined, 'ann@example.com', 'ann@example.com'],
    [false, '*', '17'],
    ['false', '*', '17'],
  ] as const) {
    const said = verified === undefined ? claims : { ...claims, email_verified: verified };
    assert.equal(roleOf(said, oidc)?.value, value, String(verified));
    assert.equal(nameOf(said, oidc), name, String(verified));
  }
  assert.equal(
    roleOf({ groups: ['*', 'ops'] }, { roles: [role('ops')], roles_claim: 'groups' })?.value,
    'ops',
  );
  const nested = { roles: [role('ops')], roles_claim: 'realm.roles' };
  assert.equal(roleOf({ realm: { roles: 'ops' } }, nested)?.value, 'ops');
  assert.equal(roleOf({ 'realm.roles': ['other'], realm: { roles: 'ops' } }, nested), undefined);
});

test('a login that was begun fits into a cookie, however long the way back is', async () => {
  const seals = new Seals([], systemClock);
  const begun = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) };
  const to = async (path: string) => {
    const text = await begunText(seals, { ...begun, to: path }, '/logs/', systemClock.now() + 60_000);
    assert.ok(text.length + '__Secure-millrace_login='.length < 4_096);
    return (await seals.open('login', text))?.to;
  };
  assert.equal(await to(`/logs/?q=${'x'.repeat(2_000)}`), `/logs/?q=${'x'.repeat(2_000)}`);
  assert.equal(await to(`/logs/?q=${'x'.repeat(10_000)}`), '/logs/');
});
