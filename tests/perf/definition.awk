# A CustomResourceDefinition as generators write them: a deep schema, a description at each field. -v number=N tells them apart.
function pad(depth) { return substr("                                                  ", 1, depth * 2) }
function field(depth, name, type) {
    print pad(depth) name ":"
    print pad(depth + 1) "description: |-"
    print pad(depth + 2) "What " name " holds: a " type " that the controller reads when the object changes,"
    print pad(depth + 2) "and writes back with what it made of it. More: https://example.org/docs#" name
    print pad(depth + 1) "type: " type
}
function properties(depth, levels,    i) {
    print pad(depth) "properties:"
    for (i = 1; i <= 4; i++) field(depth + 1, "value" i, i % 2 ? "string" : "integer")
    if (levels > 0) {
        field(depth + 1, "items", "array")
        print pad(depth + 2) "items:"
        properties(depth + 3, levels - 1)
        print pad(depth + 3) "required:"
        print pad(depth + 3) "- value1"
        print pad(depth + 3) "type: object"
        field(depth + 1, "template", "object")
        properties(depth + 2, levels - 1)
    }
}
BEGIN {
    print "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    controller-gen.kubebuilder.io/version: v0.14.0"
    print "  name: things" number ".example.org\nspec:\n  group: example.org\n  names:\n    kind: Thing" number "\n    plural: things" number
    print "  scope: Namespaced\n  versions:\n  - name: v1\n    schema:\n      openAPIV3Schema:\n        description: A thing of the platform.\n        type: object"
    properties(4, 2)
    print "    served: true\n    storage: true\n    subresources:\n      status: {}"
}
