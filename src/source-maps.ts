import { setSourceMapsSupport } from 'node:module';

// Stack traces name our TypeScript. The maps of packages hold their sources too, which would stay in memory for nothing:
// node's own --enable-source-maps has no say in that.
setSourceMapsSupport(true, { nodeModules: false });
