"""Drawing on a GPU through wgpu (WebGPU for Python)."""
