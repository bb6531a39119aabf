import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { ago, exact, languageOf, shortNumber } from './time';

const trans = nullTranslator.load('');
const inLanguage = (locale: string) => Object.assign(Object.create(trans), { getLocale: () => locale });
const TIME = '2026-01-15T03:04:05Z';

describe('the language of dates', () => {
  it('is JupyterLab’s, whatever the browser’s is', () => {
    expect(languageOf(inLanguage('ko_KR'))).toBe('ko-KR');
    expect(exact(TIME, inLanguage('ko_KR'))).toMatch(/2026년?/);
    expect(ago('2020-01-15T03:04:05Z', Date.parse(TIME), inLanguage('ko_KR'))).toBe('2020. 1. 15.');
  });

  it('is the browser’s form of it, where it has one', () => {
    expect(languageOf(inLanguage('en'))).toBe(navigator.language);
  });

  it('is the browser’s where JupyterLab’s is none that it knows', () => {
    expect(languageOf(inLanguage('zz_ZZ'))).toBe(navigator.language);
    expect(shortNumber(123_456, inLanguage('zz_ZZ'))).toBe('123.5K');
  });
});
