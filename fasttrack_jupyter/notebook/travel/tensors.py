"""PyTorch's tensors and dicts of them: safetensors where the image has it, else torch's own file of weights."""

from __future__ import annotations

from typing import Any, Dict, List

from .formats import Format, Options, Unsuitable, module_of


def _tensors(value: Any) -> Dict[str, Any]:
    """The tensors in a value by name. Raises Unsuitable where more than their data would have to be kept."""
    import torch

    found = value if type(value) is dict else {"value": value}
    for key, tensor in found.items():
        if type(key) is not str or type(tensor) is not torch.Tensor:
            raise Unsuitable(f"{type(tensor).__name__} at [{key!r}] is more than a tensor")
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_conj() or tensor.is_neg():
            raise Unsuitable("a sparse, quantized or lazily conjugated tensor")
        if tensor.requires_grad or tensor.__dict__:
            raise Unsuitable("a tensor that takes part in a gradient, or carries attributes")
    places: List[int] = [tensor.untyped_storage().data_ptr() for tensor in found.values() if tensor.numel()]
    if len(set(places)) < len(places):
        raise Unsuitable("tensors that share their memory")
    return found


class SafeTensors(Format):
    """Tensors of the CPU as safetensors. https://huggingface.co/docs/safetensors"""

    name, file = "safetensors", "value.safetensors"

    def suits(self, value: Any) -> bool:
        """A tensor, or a dict of tensors."""
        items = list(value.values()) if type(value) is dict else [value]
        return bool(items) and all(module_of(item) == "torch" and type(item).__name__ == "Tensor" for item in items)

    def save(self, value: Any, path: str) -> Options:
        """Write it."""
        try:
            from safetensors.torch import save_file
        except ImportError:
            raise Unsuitable("this image has no safetensors") from None
        found = _tensors(value)
        if any(not tensor.is_contiguous() or tensor.device.type != "cpu" for tensor in found.values()):
            raise Unsuitable("a tensor that is not contiguous, or not in the CPU's memory")
        try:
            save_file(found, path)
        except (KeyError, ValueError, RuntimeError) as error:
            raise Unsuitable(str(error)) from error
        return {"order": list(found)} if type(value) is dict else {}

    def load(self, path: str, options: Options) -> Any:
        """The tensor, or the dict in its order."""
        from safetensors.torch import load_file

        found = load_file(path)
        return {key: found[key] for key in options["order"]} if "order" in options else found["value"]


class Torch(SafeTensors):
    """Tensors as ``torch.save`` writes them, read with ``weights_only``; on the CPU where their device is not."""

    name, file = "torch", "value.pt"

    def save(self, value: Any, path: str) -> Options:
        """Write it."""
        import torch

        _tensors(value)
        torch.save(value, path)
        return {}

    def load(self, path: str, options: Options) -> Any:
        """The tensor or dict."""
        import torch

        place = None if torch.cuda.is_available() else "cpu"
        return torch.load(path, map_location=place, weights_only=True)
