import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { isRecord } from '@millrace/core/store/rest/errors.ts';
import type { Product } from './saved-object.ts';

export interface ImportTarget {
  /** Address of the product, with the base path it may have. */
  url: string;
  /** Space of Kibana; absent: the default one. */
  space?: string;
  /** Absent: asked for by its status page. */
  product?: Product;
  /** `ApiKey …` or `Basic …`. */
  authorization?: string;
}

/** Answers that are not there after this time are not waited for. */
const requestMsMax = 60_000;

/**
 * Imports a saved-objects file, over what an earlier import made. `fileOf` gives the file of a product.
 * @throws MillraceError STORE_UNAVAILABLE (nobody answers), STORE_REJECTED (refused, with the product's reason)
 */
export async function importDashboards(
  target: ImportTarget,
  fileOf: (product: Product) => string,
): Promise<{ product: Product; objects: number }> {
  const product = target.product ?? (await productAt(target));
  const space = target.space === undefined ? '' : `/s/${encodeURIComponent(target.space)}`;
  const form = new FormData();
  form.append('file', new Blob([fileOf(product)], { type: 'application/ndjson' }), 'millrace.ndjson');
  const { status, text } = await call(target, `${space}/api/saved_objects/_import?overwrite=true`, {
    method: 'POST',
    // Each product asks for the header under its own name.
    headers: { [product === 'kibana' ? 'kbn-xsrf' : 'osd-xsrf']: 'true' },
    body: form,
  });
  const answer = jsonOf(text);
  if (status !== 200)
    throw new MillraceError('STORE_REJECTED', `${target.url} answered ${status}: ${reasonOf(answer, text)}`, {
      hint: hintOf(status),
    });
  if (answer?.success !== true)
    throw new MillraceError('STORE_REJECTED', `not everything was imported: ${failuresOf(answer)}`, {
      hint: 'is it a version that docs/dashboards.md names?',
    });
  return { product, objects: Number(answer.successCount ?? 0) };
}

/** Both have `/api/status`; OpenSearch Dashboards names itself after its product in it. */
async function productAt(target: ImportTarget): Promise<Product> {
  const { status, text } = await call(target, '/api/status', { method: 'GET' });
  const version = jsonOf(text)?.version;
  const number = isRecord(version) ? String(version.number ?? '') : '';
  if (status === 401 || status === 403)
    throw new MillraceError('STORE_REJECTED', `${target.url} answered ${status}`, { hint: hintOf(status) });
  // Kibana is at 8 or above; OpenSearch Dashboards counts from 1 again and is at 3.
  const major = Number.parseInt(number, 10);
  if (major >= 7) return 'kibana';
  if (major >= 1) return 'opensearch-dashboards';
  throw new MillraceError('STORE_REJECTED', `${target.url} does not say what it is`, {
    hint: 'name it: --type kibana or --type opensearch-dashboards; --url is its address, not the store’s',
  });
}

async function call(
  target: ImportTarget,
  path: string,
  init: RequestInit,
): Promise<{ status: number; text: string }> {
  const url = `${target.url.replace(/\/+$/, '')}${path}`;
  const headers = {
    ...init.headers,
    ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
  };
  try {
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(requestMsMax) });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    if (isMillraceError(cause)) throw cause;
    const reason = messageOf(cause instanceof Error && cause.cause !== undefined ? cause.cause : cause);
    throw new MillraceError('STORE_UNAVAILABLE', `nobody answers on ${target.url}: ${reason}`, {
      hint: 'is --url the address of Kibana or OpenSearch Dashboards, such as http://localhost:5601?',
      cause,
    });
  }
}

function jsonOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined; // said by the caller with the text itself
  }
}

function reasonOf(answer: Record<string, unknown> | undefined, text: string): string {
  return typeof answer?.message === 'string' ? answer.message : text.slice(0, 200);
}

/** The first few of `errors`, by object and kind of error. */
function failuresOf(answer: Record<string, unknown> | undefined): string {
  const errors: unknown[] = Array.isArray(answer?.errors) ? answer.errors : [];
  const shown = errors.filter(isRecord).map(({ type, id, error }) => {
    const { type: kind, message } = isRecord(error) ? error : {};
    return `${type} ${id}: ${[kind, message].filter((part) => part !== undefined).join(' ')}`;
  });
  return shown.slice(0, 5).join('; ') || 'the answer does not say what';
}

function hintOf(status: number): string {
  if (status === 401) return 'pass credentials: MILLRACE_DASHBOARDS_AUTH="ApiKey …" or "Basic …"';
  if (status === 403) return 'these credentials may not manage saved objects';
  if (status === 404) return 'is it the right --url, with its base path, and the right --space?';
  return 'its log has the reason';
}
