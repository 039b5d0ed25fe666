/** One GET against a local part; a part that is starting may accept and never answer, hence the short deadline. */
export async function httpGet(url: string, timeoutMs = 2000): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  return { status: response.status, body: await response.text() };
}

/** True when a GET is answered with one of the statuses. */
export async function answers(url: string, ...statuses: number[]): Promise<boolean> {
  const { status } = await httpGet(url);
  return statuses.includes(status);
}
