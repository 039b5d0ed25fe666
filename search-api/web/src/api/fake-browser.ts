/** What the page finds in a browser, as far as asking a server needs it; for tests, imported before what they test. */
export const server: { asked: URL[]; answer(url: URL): Response } = {
  asked: [],
  answer: () => new Response('{}'),
};

Object.assign(globalThis, {
  location: { search: '', pathname: '/' },
  document: { baseURI: 'http://127.0.0.1/' },
  history: { pushState() {}, replaceState() {} },
  innerWidth: 1440,
  addEventListener() {},
  fetch: async (href: string) => {
    const url = new URL(href);
    server.asked.push(url);
    return server.answer(url);
  },
});

export function refusal(status: number, code: string): Response {
  return new Response(JSON.stringify({ error: { code, message: code } }), { status });
}
