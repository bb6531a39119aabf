import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const cytoscape = {
  regex: '^cytoscape',
  message: 'cytoscape is known to editor/canvas*.ts alone.'
};
const only = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  { ignores: ['src/generated.ts'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { prefer: 'type-imports' }],
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true }],
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      ...only(cytoscape)
    }
  },
  {
    files: ['src/jobs/**'],
    rules: only(cytoscape, { regex: '/editor/', message: 'jobs/ and editor/ are strangers: meet in tokens.ts.' })
  },
  {
    files: ['src/editor/**'],
    rules: only(cytoscape, { regex: '/jobs/', message: 'jobs/ and editor/ are strangers: meet in tokens.ts.' })
  },
  { files: ['src/editor/canvas*'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['src/**'],
    ignores: ['src/api.ts', 'src/**/*.test.*'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "ImportSpecifier[imported.name='ServerConnection']", message: 'Ask the server through api.ts.' }
      ]
    }
  },
  {
    files: ['src/**/*.test.{ts,tsx}'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' }
  }
);
