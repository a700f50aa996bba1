import { defineConfig } from 'vite';
import { licences } from './licences';

// `npm run dev` shows the page of the working tree over the API of a gateway that runs: WIRESPAN_QUERY says where.
const gateway = process.env.WIRESPAN_QUERY ?? 'http://127.0.0.1:16686';

export default defineConfig({
  plugins: [licences()],
  build: {
    target: 'es2022',
    // The server's policy allows no inline script, style or data: address; every asset is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 300,
    // The output may lie outside the project: the build passes --outDir.
    emptyOutDir: true,
  },
  server: { host: '127.0.0.1', proxy: { '/api': gateway, '/wirespan/api': gateway } },
});
