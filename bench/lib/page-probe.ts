/** What runs in the measured page, as text: it is no program of ours, and is not compiled with them. */

/** Before the page's own scripts: when its first rows are on the screen, and how long its longest task took. */
export const watchStart = `
  window.benchPainted = (done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
  window.benchFirst = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (document.querySelector('.results .row[data-index]') === null) return;
      observer.disconnect();
      benchPainted(resolve);
    });
    observer.observe(document, { subtree: true, childList: true });
  });
  window.benchLongest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) benchLongest = Math.max(benchLongest, duration);
  }).observe({ entryTypes: ['longtask'] });
`;

/** First paint and first rows, in milliseconds since the page was asked for. */
export const startTimes = `benchFirst.then((rows) => ({
  paint: performance.getEntriesByName('first-paint')[0]?.startTime ?? NaN,
  content: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
  rows,
}))`;

/**
 * From the next Enter to the rows of the next answer: those of the answer before are stale until then. What is waited
 * for is \`benchRows\`.
 */
export const watchQuery = `(() => {
  let asked;
  let wasStale = false;
  window.benchRows = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no rows after 30 s')), 30_000);
    const observer = new MutationObserver(() => {
      const stale = document.querySelector('.results.stale') !== null;
      wasStale ||= stale;
      if (asked === undefined || !wasStale || stale) return;
      if (document.querySelector('.results .row[data-index]') === null) return;
      observer.disconnect();
      benchPainted((now) => resolve(now - asked));
    });
    observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['class'] });
    addEventListener('keydown', (event) => { asked = event.timeStamp; }, { capture: true, once: true });
  });
})()`;

/** Scrolls \`.list\` down from its top at a constant speed, set anew in each frame; the times between frames, ms. */
export function scroll(pixelsPerSecond: number, seconds: number): string {
  return `new Promise((resolve) => {
    const list = document.querySelector('.list');
    const between = [];
    let first;
    let last;
    const frame = (now) => {
      if (first === undefined) first = now;
      else between.push(now - last);
      last = now;
      list.scrollTop = ((now - first) / 1000) * ${pixelsPerSecond};
      if (now - first < ${seconds * 1000}) requestAnimationFrame(frame);
      else resolve(between);
    };
    list.scrollTop = 0;
    requestAnimationFrame(() => requestAnimationFrame(frame));
  })`;
}

/** A list as high as the page's that has nothing in it: what the browser can do here at best. */
export function emptyList(rows: number): string {
  return `<div class="list" style="height: 100vh; overflow: auto"><div style="height: ${rows * 26}px"></div></div>`;
}
