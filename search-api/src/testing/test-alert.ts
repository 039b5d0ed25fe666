import type { Alert } from '../alerts/alert.ts';

/** An alert with an answer for everything but what a test is about. */
export function testAlert(parts: Partial<Alert>): Alert {
  return {
    id: 'a',
    name: 'Payments',
    enabled: true,
    search: { q: 'refused' },
    window: '5m',
    every: '1m',
    condition: { type: 'threshold', op: '>', count: 10 },
    for: 1,
    resolve: true,
    notify: [{ type: 'webhook', url: 'https://hooks.example.com/secret' }],
    owner: 'loopback',
    access: { tags: [], hosts: [], streams: [], redact: [] },
    updated: '2026-11-22T00:00:00.000Z',
    version: '1',
    ...parts,
  };
}
