import { render } from 'preact';
import './style/base.css';
import './style/parts.css';
import './style/shell.css';
import { App } from './app';
import { followLinks } from './route';
import { startTheme } from './theme';

startTheme();
followLinks();
const root = document.getElementById('page');
if (root) render(<App />, root);
