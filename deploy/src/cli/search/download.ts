import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type Api, NobodyAnswers, type Parameters, refusal, requestOf } from './api.ts';

const errorCharactersMax = 64 * 1024;

/**
 * An answer with its trailers, which `fetch` does not give out; its body unread.
 * @throws MillraceError as the API says it; NobodyAnswers
 */
export async function openDownload(
  api: Api,
  path: string,
  parameters: Parameters,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const { url, authorization } = requestOf(api, path, parameters);
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(
      url,
      { headers: authorization, ...(signal === undefined ? {} : { signal }) },
      resolve,
    );
    asked.once('error', (cause) => reject(new NobodyAnswers(api.url, cause)));
    asked.end();
  });
  if (response.statusCode === 200) return response;
  let body = '';
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
    body += part;
    if (body.length > errorCharactersMax) break;
  }
  throw refusal(response.statusCode ?? 0, body, String(parameters.q ?? ''));
}

/** What the trailers of an export say; undefined when they did not come this far. */
export function exportEnd({
  trailers,
}: IncomingMessage): { rows: number; complete: boolean; partial: string } | undefined {
  const complete = trailers['x-millrace-complete'];
  if (complete === undefined) return undefined;
  return {
    rows: Number(trailers['x-millrace-rows']),
    complete: complete === 'true',
    partial: trailers['x-millrace-partial'] ?? '',
  };
}
