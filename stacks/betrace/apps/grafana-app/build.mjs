// Makes the folder `dist` as Grafana loads it: one AMD module whose libraries are Grafana's own, and plugin.json.
import { readFileSync } from 'node:fs';
import { rspack } from '@rspack/core';

const { version, updated } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));

// What Grafana shares with its plugins; a second copy of any of these would not work together with it.
const externals = [
  '@emotion/css',
  '@grafana/data',
  '@grafana/runtime',
  '@grafana/ui',
  'react',
  'react/jsx-runtime',
  'react-router',
  'rxjs',
];

const config = {
  mode: 'production',
  target: ['web', 'es2022'],
  context: import.meta.dirname,
  entry: { module: './src/module.ts' },
  devtool: false,
  externals,
  output: { clean: true, filename: '[name].js', library: { type: 'amd' }, path: `${import.meta.dirname}/dist` },
  performance: { hints: false },
  resolve: { extensions: ['.ts', '.tsx', '.js'] },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'builtin:swc-loader',
        options: {
          detectSyntax: 'auto',
          jsc: { target: 'es2022', transform: { react: { runtime: 'automatic' } } },
        },
        type: 'javascript/auto',
      },
    ],
  },
  plugins: [
    new rspack.CopyRspackPlugin({
      patterns: [
        { from: 'public' },
        {
          from: 'src/plugin.json',
          // The date comes from package.json, not from a clock, so that two builds are the same.
          transform: (text) => text.toString().replace('%VERSION%', version).replace('%TODAY%', updated),
        },
      ],
    }),
  ],
};

rspack(config, (error, stats) => {
  console.log(
    error ?? stats.toString({ preset: 'summary', timings: false, errors: true, warnings: true, assets: true })
  );
  process.exitCode = error || stats.hasErrors() || stats.hasWarnings() ? 1 : 0;
});
