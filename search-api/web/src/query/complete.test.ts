import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completed, narrowed, placeOf, ranked, wishAt } from './complete.ts';

/** The wish at the `^`. */
function at(marked: string) {
  const caret = marked.indexOf('^');
  const text = marked.replace('^', '');
  return { text, wish: wishAt(text, caret) };
}

test('words may become fields, what follows a field is its value', () => {
  assert.deepEqual(at('lev^').wish, { what: 'field', prefix: 'lev', start: 0, end: 3 });
  assert.deepEqual(at('level:er^').wish, {
    what: 'value',
    field: 'level',
    prefix: 'er',
    start: 6,
    end: 8,
    quoted: false,
  });
  assert.deepEqual(at('level:^').wish, {
    what: 'value',
    field: 'level',
    prefix: '',
    start: 6,
    end: 6,
    quoted: false,
  });
  assert.equal(at('a tag:"app sh^').wish?.prefix, 'app sh');
  assert.equal(at('"done"^').wish, undefined);
});

test('behind a bar come stages, and fields within them', () => {
  assert.deepEqual(at('x | co^').wish, { what: 'stage', prefix: 'co', start: 4, end: 6 });
  assert.equal(at('x | ^').wish?.what, 'stage');
  assert.deepEqual(at('x | count by le^').wish, { what: 'field', prefix: 'le', start: 13, end: 15 });
});

test('a choice takes the place of what was typed for it', () => {
  const put = (marked: string, choice: string) => {
    const { text, wish } = at(marked);
    assert.ok(wish);
    const done = completed(text, wish, choice);
    return `${done.text.slice(0, done.caret)}^${done.text.slice(done.caret)}`;
  };
  assert.equal(put('lev^', 'log.level'), 'log.level:^');
  assert.equal(put('level:er^ x', 'error'), 'level:error^ x');
  assert.equal(put('level:er^', 'error'), 'level:error ^');
  assert.equal(put('tag:"app^', '"app shop"'), 'tag:"app shop" ^');
  assert.equal(put('x | co^', 'count'), 'x | count ^');
  assert.equal(put('x | count by le^', 'level'), 'x | count by level ^');
});

test('an offer never stays for something else than is typed', () => {
  const choice = (label: string) => ({ label, whole: false });
  const offer = { wish: at('level:^').wish, choices: ['info', 'error', 'emergency'].map(choice) };
  const left = (marked: string) => narrowed(offer, at(marked).wish).choices.map(({ label }) => label);
  assert.deepEqual(left('level:e^'), ['error', 'emergency']);
  assert.deepEqual(left('tag:e^'), []);
  assert.deepEqual(left('level:error x^'), []);
  assert.deepEqual(narrowed(offer, at('level:er^').wish).wish, at('level:er^').wish);
});

test('names that begin as typed come first', () => {
  const names = ['url.level', 'level', 'log.path', 'x.mylevel'];
  assert.deepEqual(
    ranked(names, 'LE', (name) => name),
    ['level', 'url.level', 'x.mylevel'],
  );
});

test('a choice that was gone to stays chosen when more choices come', () => {
  const more = [{ text: 'debug' }, { text: 'error' }];
  assert.equal(placeOf({ text: 'error' }, more), 1);
  assert.equal(placeOf({ text: 'info' }, more), -1);
  assert.equal(placeOf(undefined, more), -1);
});
