import type { Api } from './server.ts';

/** Which methods the routes have for a path; collects the routes that are added behind this. */
export function methodsByPath(api: Api): (path: string) => string[] {
  const routes: { pattern: RegExp; isNamed: boolean; methods: string[] }[] = [];
  api.addHook('onRoute', ({ url, method }) => {
    // The page's files: whether there is one, only the folder knows.
    if (url.endsWith('*')) return;
    const pattern = new RegExp(
      `^${url.replaceAll(/[.+?^$()|[\]{}]/g, '\\$&').replaceAll(/:[^/]+/g, '[^/]+')}/?$`,
    );
    routes.push({ pattern, isNamed: !url.includes('/:'), methods: [method].flat() });
  });
  return (path) => {
    const found = routes.filter(({ pattern }) => pattern.test(path));
    // `/saved/export` is no saved search, though it has the form of one.
    const named = found.filter(({ isNamed }) => isNamed);
    const methods = (named.length > 0 ? named : found).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  };
}
