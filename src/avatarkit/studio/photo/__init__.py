"""One portrait becomes a talking avatar: picture, face, fit, texture, bundle. Runs offline on the CPU."""
