// Holds foreign code back until node:test has taken our reporter, then loads the test file.

import { isClaimed, load } from './nodeside.mjs';

await isClaimed;
await load();
