import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAddress } from './address.ts';
import { addressCases } from './cases/addresses.ts';

test('addresses have the one spelling that engines give them', () => {
  for (const [written, canonical] of addressCases)
    assert.equal(canonicalAddress(written), canonical, written);
  for (const text of ['', 'unix:', '10.0.0', '1::2::3', 'fe80::1%eth0'])
    assert.equal(canonicalAddress(text), undefined);
});
