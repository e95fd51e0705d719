//! Nothing but dependencies: the features that the whole workspace resolves for what `shared` and the simulated tenant
//! use. With it, each of the two builds and tests alone on the dependencies that a build of the workspace has compiled.
//! `.ci/features.py` writes its manifest.
