// Bundles the host page into `.out/host`, with the files that Grafana serves beside it.
import { rspack } from '@rspack/core';

const config = {
  mode: 'production',
  target: ['web', 'es2022'],
  context: import.meta.dirname,
  entry: { host: './main.tsx' },
  devtool: false,
  output: { clean: true, filename: '[name].js', path: `${import.meta.dirname}/../.out/host`, publicPath: '/public/' },
  performance: { hints: false },
  resolve: { extensions: ['.tsx', '.ts', '.mjs', '.js'] },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'builtin:swc-loader',
        options: { detectSyntax: 'auto', jsc: { target: 'es2022', transform: { react: { runtime: 'automatic' } } } },
        type: 'javascript/auto',
      },
      { test: /\.m?js$/, resolve: { fullySpecified: false } },
      { test: /\.css$/, type: 'css/auto' },
    ],
  },
  plugins: [
    new rspack.CopyRspackPlugin({
      patterns: [
        { from: 'index.html' },
        { from: 'boot.js' },
        { from: 'amd.js' },
        { from: '../node_modules/systemjs/dist/system.min.js', to: 'systemjs/' },
        { from: '../node_modules/systemjs/dist/extras/amd.min.js', to: 'systemjs/extras/' },
        { from: '../node_modules/@grafana/ui/dist/public/img/icons', to: 'build/img/icons' },
      ],
    }),
  ],
};

rspack(config, (error, stats) => {
  console.log(error ?? stats.toString({ preset: 'errors-warnings' }));
  process.exitCode = error || stats.hasErrors() ? 1 : 0;
});
