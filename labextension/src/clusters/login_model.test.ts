import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { ApiError } from '../api';
import { freeName, placed, requestOf } from './login_model';

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  Object.entries(values).forEach(([name, value]) => data.set(name, value));
  return data;
}

const trans = nullTranslator.load('');

describe('a sign-in', () => {
  it('sends what was filled in, and leaves the rest to the server', () => {
    const { name, request } = requestOf(
      form({
        name: ' work ',
        endpoint: ' https://x ',
        mode: 'session',
        user: 'a@b',
        secret: ' p ',
        domain: ''
      })
    );
    expect(name).toBe('work');
    expect(request).toEqual({
      endpoint: 'https://x',
      mode: 'session',
      verify_tls: false,
      check: false,
      user: 'a@b',
      secret: ' p '
    });
  });

  it('is told at the field that an answer is about, else on top', () => {
    const told = (code: string, details = {}) =>
      placed(new ApiError(400, code, 'no', '', details), trans).field;
    expect(told('bad_request', { field: 'proxy' })).toBe('proxy');
    expect(told('bad_request', { problems: [{ loc: ['domain'] }] })).toBe('domain');
    expect(told('keys_refused')).toBe('secret');
    expect(told('backend_unreachable')).toBe('endpoint');
    expect(told('store_error')).toBeNull();
    expect(placed(new Error('odd'), trans)).toEqual({ field: null, trouble: { message: 'odd', hint: '' } });
  });

  it('has a name of its own on offer', () => {
    expect(freeName([])).toBe('default');
    expect(freeName([{ name: 'default' }, { name: 'cluster2' }])).toBe('cluster3');
  });
});
