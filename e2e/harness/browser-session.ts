/** As much of a browser as a login needs: cookies by server and path, redirects one at a time, forms. */
export class BrowserSession {
  readonly #cookies = new Map<string, { value: string; origin: string; path: string }>();

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin, pathname } = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([, kept]) => kept.origin === origin && pathname.startsWith(kept.path))
      .map(([key, { value }]) => `${key.split(' ')[1]}=${value}`)
      .join('; ');
    const headers = { ...(init.headers as Record<string, string>), ...(cookie === '' ? {} : { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.#keep(origin, line);
    return response;
  }

  /** Follows redirects and posts the provider's forms until an address begins with `home`; the answer from there. */
  async login(start: string, name: string, home: string): Promise<Response> {
    let response = await this.fetch(start);
    let at = start;
    for (let step = 0; step < 20; step++) {
      const location = response.headers.get('location');
      if (location !== null) {
        at = new URL(location, at).href;
        if (at.startsWith(home) && !at.startsWith(`${home}callback`)) return response;
        response = await this.fetch(at);
        if (at.startsWith(`${home}callback`)) return response;
        continue;
      }
      const text = await response.text();
      const action = /action="([^"]+)"/.exec(text)?.[1];
      if (action === undefined) throw new Error(`${response.status} at ${at}: ${text.slice(0, 500)}`);
      const prompt = text.includes('value="consent"') ? 'consent' : 'login';
      const form = new URLSearchParams({ prompt, login: name, password: 'any' });
      at = new URL(action, at).href;
      response = await this.fetch(at, { method: 'POST', body: form });
    }
    throw new Error('the login goes round and round');
  }

  cookie(name: string): string | undefined {
    return [...this.#cookies].find(([key]) => key.endsWith(` ${name}`))?.[1].value;
  }

  setCookie(origin: string, name: string, value: string): void {
    this.#cookies.set(`${origin} ${name}`, { value, origin, path: '/' });
  }

  #keep(origin: string, line: string): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
    if (value === '' || attributes.some((one) => /^expires=Thu, 01 Jan 1970/i.test(one)))
      this.#cookies.delete(`${origin} ${name}`);
    else this.#cookies.set(`${origin} ${name}`, { value, origin, path });
  }
}
