/** How the rendered mini program must read. `my` is known to the adapter alone, and nobody knows a browser. */

import js from '@eslint/js';

const ours = { App: 'readonly', Page: 'readonly', setTimeout: 'readonly', console: 'readonly' };

export default [
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: { ecmaVersion: 2018, sourceType: 'module', globals: ours },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'array-callback-return': 'error',
      'consistent-return': 'error',
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'no-alert': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-param-reassign': 'error',
      'no-promise-executor-return': 'error',
      'no-restricted-syntax': ['error', { selector: "BinaryExpression[operator='instanceof']", message: 'See asking.js.' }],
      'no-shadow': 'error',
      'no-throw-literal': 'error',
      'no-unused-vars': ['error', { caughtErrors: 'none' }],
      'no-use-before-define': ['error', { functions: false }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
    },
  },
  { files: ['adapter/*.js'], languageOptions: { globals: { ...ours, my: 'readonly' } } },
];
