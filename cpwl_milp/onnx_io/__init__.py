"""ONNX in: files to networks, checked against onnxruntime; VNN-LIB properties."""

from cpwl_milp.onnx_io.agreement import Agreement as Agreement
from cpwl_milp.onnx_io.agreement import check_agreement as check_agreement
from cpwl_milp.onnx_io.interface import TensorInfo as TensorInfo
from cpwl_milp.onnx_io.load import ImportedModel as ImportedModel
from cpwl_milp.onnx_io.load import load_model as load_model
from cpwl_milp.onnx_io.vnnlib_inputs import read_vnnlib_boxes as read_vnnlib_boxes
from cpwl_milp.onnx_io.vnnlib_inputs import read_vnnlib_inputs as read_vnnlib_inputs
from cpwl_milp.onnx_io.vnnlib_property import read_vnnlib_property as read_vnnlib_property
