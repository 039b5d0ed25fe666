import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesText, clockTime, countText, dayText, percentText, shortCount, spanText } from './format.ts';

const en = { language: 'en', zone: 'UTC' };
const ko = { language: 'ko', zone: 'Asia/Seoul' };

test('times of rows are as wide in every language, and in the zone that was chosen', () => {
  assert.equal(clockTime('2026-11-23T00:05:06.07Z', en), '00:05:06.070');
  assert.equal(clockTime('2026-11-22T23:05:06.070123456Z', ko), '08:05:06.070');
  assert.equal(dayText('2026-11-22T23:05:06Z', ko), '11-23');
  assert.equal(clockTime('no time', en), 'no time');
});

test('numbers and sizes are short', () => {
  assert.equal(countText(1_234_567, en), '1,234,567');
  assert.equal(shortCount(12_345, en), '12.3K');
  assert.equal(shortCount(12_345, ko), '1.2만');
  assert.equal(bytesText(1_048_576, en), '1 MB');
  assert.equal(bytesText(1500, en), '1.5 KB');
  assert.equal(percentText(0.002, en), '0.2%');
  assert.equal(percentText(0.5, en), '50%');
  assert.equal(spanText(90_000, en), '1.5 min');
});
