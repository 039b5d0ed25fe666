/**
 * The engine that the store conformance suite runs against: `<type>=<address>`, for example
 * `opensearch=http://127.0.0.1:6704`. The suite changes cluster settings, so it must be an engine of its own.
 * @throws Error when MILLRACE_E2E_STORE does not say so: a suite that is skipped proves nothing
 */
export function storeUnderTest(): { type: string; node: string } {
  const value = process.env.MILLRACE_E2E_STORE ?? '';
  const [, type, node] = /^([a-z]+)=(https?:\/\/\S+)$/.exec(value) ?? [];
  if (type === undefined || node === undefined) {
    throw new Error(
      `MILLRACE_E2E_STORE is ${value === '' ? 'not set' : JSON.stringify(value)}: run \`./millrace test e2e\`, ` +
        'or set it to opensearch=http://127.0.0.1:PORT of an engine used for nothing else',
    );
  }
  return { type, node };
}
