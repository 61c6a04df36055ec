#!/usr/bin/env node
// The command's entry: keeps compiled code between starts, then loads the command line.
import { enableCompileCache } from 'node:module';

// Before anything large is loaded: imports of this file itself would be compiled without the cache.
enableCompileCache();
await import('./main.ts');
