/**
 * The health check of our images, which have no curl: `node probe.ts URL [STATUS…]`. Exit code 0 when a GET is answered
 * with one of the statuses (200), 1 otherwise, with the reason on stdout, where `docker inspect` shows it.
 */
const [url, ...statuses] = process.argv.slice(2);
if (url === undefined) throw new TypeError('usage: probe.ts URL [STATUS…]');

/** Less than the checks' timeout: the reason is told. */
const waitMsMax = 4_000;
const wanted = statuses.length === 0 ? [200] : statuses.map(Number);
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(waitMsMax) });
  const text = (await response.text()).slice(0, 300);
  if (!wanted.includes(response.status)) {
    process.stdout.write(`${response.status} ${text}\n`);
    process.exitCode = 1;
  }
} catch (error) {
  process.stdout.write(`${url}: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
